"""Models as files for other programs: ONNX and PyTorch's own export, with what the model is written inside."""

"""What makes inference fast, and how much of it a device has earned by measurement.

process.py      the allocator and the matrix products of this process
prepare.py      a loaded model: memory order, folded normalisation
packing.py      linear layers whose weights lie as they are multiplied
inference.py    when a block may compute another way, that a CPU does faster
precision.py    half precision, where it was measured to be good enough
compile.py      torch.compile, whose result is kept
settings.py     what `auralflow bench` recommends for a device and a model
"""

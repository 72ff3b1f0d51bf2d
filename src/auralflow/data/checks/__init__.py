"""What can be wrong with a data set, one idea a file; `auralflow.data.check` asks them all."""

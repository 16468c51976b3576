"""int8 networks: their numbers, calibration, and their ONNX form."""

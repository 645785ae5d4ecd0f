"""The trained network as ONNX, INT8, TFLite and TensorRT plan."""

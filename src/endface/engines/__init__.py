"""What runs the network: ONNX Runtime, OpenCV, LiteRT, TensorRT."""

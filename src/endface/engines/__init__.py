"""Engines that run the network: ONNX Runtime, OpenCV, LiteRT, TensorRT."""

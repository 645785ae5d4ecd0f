"""Making of the network: draw synthetic end faces, train on them, evaluate, export to ONNX with a manifest."""

"""The network's life: draw synthetic end faces, train on them, evaluate, export to ONNX with a manifest."""

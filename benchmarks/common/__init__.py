"""Parts that all benchmarks share: pictures, stations, workers, records."""

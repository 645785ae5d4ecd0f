"""What every benchmark uses: pictures, stations, workers, records."""

"""Parts of the benchmark of regimes: the markets' data, the vectors compared, and the headlines of ^DJI."""

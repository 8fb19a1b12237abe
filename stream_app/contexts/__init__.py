"""From triggers to contexts: a day closes, its cut is reached, its context is computed as of the cut and published."""

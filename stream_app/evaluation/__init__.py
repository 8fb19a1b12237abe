"""How good a model's vectors are: what followed the days that it finds alike. Pure, but for `stored`, which reads."""

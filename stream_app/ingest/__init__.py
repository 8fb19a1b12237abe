"""From files of prices and news to records on the input topics, and the closing of the days that they cover."""

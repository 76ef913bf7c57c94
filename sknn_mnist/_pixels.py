"""What numbers are taken for pixels, by their size."""

__all__ = ["LEAST_UNSCALED", "MOST_LEVELS"]

# Numbers of 8 bits up to here are something else than pixels of 0 to 255: masks of 0
# and 1, classes of a column, digits of 0 to 16.
MOST_LEVELS = 32

# Values from here on, none negative, are pixels of 0 to 255 or more.
LEAST_UNSCALED = 100

"""Image files: their pixels as arrays of one shape and of uint8.

Knows the ground floor alone.
"""

"""Fits what is learned from stored vectors and texts: the joint projection, and a text model's way to 384 numbers."""

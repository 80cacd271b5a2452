"""Simple layers: convolution, pooling, normalization, activation, dropout, crop, dense layers, output."""

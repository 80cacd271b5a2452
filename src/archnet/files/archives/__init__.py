"""Archives and arrays in them, read within bounds: zip, npy and npz."""

"""The public functions of `import archnet`; each imports its dependencies when called."""

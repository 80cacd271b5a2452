"""The public functions of `import archnet`: each loads what it needs when it is called."""

"""What JSON documents may hold: values with their lines, the validator of schemas, names that become folders."""

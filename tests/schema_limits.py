"""The limits in JSON Schemas, to compare with a table."""

PLAIN = {"minItems 0", "minimum 0", f"maximum {2**63 - 1}", f"minimum {-(10**15)}", f"maximum {10**15}"}
"""Those of lists of any length, of COUNT and of NUMBER."""

INNER = {"items": "[]", "additionalProperties": "{}", "propertyNames": "{key}"}


def schema_limits(schema, name="$"):
    """Yield the limits, defaults and closed forms of a schema, each with the key of the value that has it."""
    for keyword, value in schema.items():
        if keyword == "properties":
            for key, inner in value.items():
                yield from schema_limits(inner, key)
        elif keyword in INNER and isinstance(value, dict):
            yield from schema_limits(value, f"{name}{INNER[keyword]}")
        elif keyword in ("anyOf", "prefixItems"):
            for inner in value:
                yield from schema_limits(inner, f"{name}{'|' if keyword == 'anyOf' else '[]'}")
        elif (isinstance(value, int | float) or keyword == "default") and f"{keyword} {value}" not in PLAIN:
            yield f"{keyword} {value}", name


def grouped_limits(*schemas):
    """The names of the values with each limit, in the order of the alphabet."""
    groups = {}
    for limit, name in sorted({found for schema in schemas for found in schema_limits(schema)}):
        groups.setdefault(limit, []).append(name)
    return {limit: " ".join(names) for limit, names in groups.items()}

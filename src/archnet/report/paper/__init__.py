"""Material for a paper: reporting checklists, methods paragraphs, flow diagram, tables and model card."""

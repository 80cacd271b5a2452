"""What a paper needs of a run: reporting checklists, methods paragraph, flow diagram, tables and model card."""

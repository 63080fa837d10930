"""The parts of `parse`: text to tokens, tokens to declarations, declarations to trees, comments to nodes."""

"""Text to program: parse, check, compile and format rule files. No vocabulary, no input or output."""

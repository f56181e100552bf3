//! Reads an election directory into a checked definition, reporting every mistake with file, line and column.

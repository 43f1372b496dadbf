"""The command line: one verb a file. Nothing heavy is imported until a verb runs."""

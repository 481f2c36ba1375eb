"""The process that holds the plan key: what each gateway may mark, compiled and signed."""

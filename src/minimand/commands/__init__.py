"""The commands of `minimand`, a file each: how they are asked for, and which job of the workbench they call.

These files are imported for `minimand --help`: whatever takes time to import is imported where it is used.
"""

"""Homework: what students get, and grading it safely. `make homework`, `make grade`, `make gradescope`.

A submission runs in a sandbox (`sandbox`, `inside`), which knows the teacher's inputs and no expected value. What it
sends back is text, and is judged here (`judge`) against what the master's own solution sent back from its own sandbox.
"""

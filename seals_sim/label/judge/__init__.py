"""A judge that is a program: a language model that answers rows, and the check of its answers by a person."""

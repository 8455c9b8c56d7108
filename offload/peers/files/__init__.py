"""Files of jobs that travel: what home serves and takes, what the other side fetches and pushes.

Inputs come before the clone may begin (P11), outputs before its end is accepted (P12).
"""

"""Tables of what is still to be done with files of jobs: to deliver them, to delete them."""

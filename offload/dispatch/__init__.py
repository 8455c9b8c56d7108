"""Jobs on their way to an instance: submitted, bound, sent, sent again."""

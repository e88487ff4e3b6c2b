"""Ways of learning music and of making it: each holds all in which its models differ."""

"""What a piece of music is; reading, writing, sounding and picturing it."""

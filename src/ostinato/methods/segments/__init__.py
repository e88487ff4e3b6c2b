"""Methods of whole segments: cutting, conditions, metrics, sampling."""

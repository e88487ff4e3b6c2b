"""What methods of whole segments share: cutting, conditions, metrics, sampling."""

"""Say of each component of Tenny on this machine whether it works, and what to do where it does not."""

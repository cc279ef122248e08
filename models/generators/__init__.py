"""Image generators: text to images, and where each image shows what the text names."""

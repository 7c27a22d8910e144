"""The page: Gradio Blocks around one canvas; nothing else in the package imports gradio."""

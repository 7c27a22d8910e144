"""Fine-tuning: data sources, augmentation, losses, schedules and the run that ties them together."""

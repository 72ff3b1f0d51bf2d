"""Training: a config, a task (model, loss, optimizer), and the run that Lightning drives.

    train.yaml + data -> prepare -> TrainingTask + loader -> Lightning's Trainer
                                         |                        |
                                   step: estimate, loss     callbacks: epochs (validate, stop, save), logs, meter
                                                                  |
                                              checkpoints (to resume) and a bundle (to use)

Everything random is a pure function of the seed and a count, and everything that counts is in the checkpoint. So a run
that is resumed, in the middle of an epoch too, goes on as if nothing had happened.
"""

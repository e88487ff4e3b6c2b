"""The best network of chorales in sixteenth notes: a plug-in, which one benchmark row uses.

conf/experiment/jsb16_best.yaml names its classes and allows them: `plugins: [chorales]`.
"""

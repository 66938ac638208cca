"""Network → schedules: the sweeps, written once for all layers and hessian modes."""

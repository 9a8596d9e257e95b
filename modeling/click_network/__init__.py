"""Click prediction by networks over all training rows: four models of torch-rechub, and one of ours that reads retrieved history."""

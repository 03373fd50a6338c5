"""The data of the course: embedded cluttered digits, CIFAR and image folders, label noise."""

"""The station: what an operator at the microscope sees, and the folder that a line PC watches."""

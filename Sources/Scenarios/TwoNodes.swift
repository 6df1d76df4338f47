import LabEvents

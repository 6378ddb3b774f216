FROM service-contexts-in-a-circle-a

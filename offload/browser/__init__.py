"""The Offloading Browser: pages in the admin that show the cluster and steer it."""

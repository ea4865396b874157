from whatsapp_integration.cli import main

if __name__ == "__main__":
	main(prog_name="python -m whatsapp_integration")

"""The MCP server: every command that submits a job is a tool, of our own program and of any generated package.

The tools are the commands themselves: what they take is read from them (`command_schema`), and they are called with a
runner that keeps what the command line would have run (`command_tool`). `serving` speaks the protocol.
"""
